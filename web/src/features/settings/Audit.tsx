import { ScrollText } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { graphql } from "@/lib/gql/graphql";
import { dateTime } from "@/lib/time";
import { Button } from "@/ui/Button";
import { Empty, Failed, Skeleton } from "@/ui/States";
import { Card, Page } from "./Page";
import { Members } from "./People";

const PAGE = 50;
const AuditLog = graphql(`
  query AuditLog($first: Int!, $after: String) {
    audit(first: $first, after: $after) {
      __typename
      pageInfo { __typename hasNextPage endCursor }
      edges { __typename node { __typename id actorUserId actorTokenId action nodeId detail ip createdAt } }
    }
  }
`);

/** Names, words and ids only: the server writes nothing else into the log. */
function detailText(detail: unknown): string {
  if (typeof detail !== "object" || detail === null) return "";
  return Object.entries(detail)
    .map(([key, value]) => `${key}: ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(" · ");
}

function Entries({
  after,
  last,
  names,
  onMore,
}: {
  after: string | null;
  last: boolean;
  names: ReadonlyMap<string, string>;
  onMore: (after: string) => void;
}) {
  const { t, i18n } = useTranslation(["settings", "common", "auth"]);
  const [{ data, error }, refetch] = useQuery({
    query: AuditLog,
    variables: { first: PAGE, after },
    requestPolicy: "cache-and-network",
  });
  const cell = "px-4 py-2 align-top";
  if (!data)
    return (
      <tr>
        <td colSpan={4} className="p-4">
          {error ? (
            <Failed error={error} onRetry={() => refetch({ requestPolicy: "network-only" })} />
          ) : (
            <Skeleton className="h-24 w-full" />
          )}
        </td>
      </tr>
    );
  const { hasNextPage, endCursor } = data.audit.pageInfo;
  return (
    <>
      {data.audit.edges.map(({ node }) => (
        <tr key={node.id} className="border-b last:border-b-0">
          <td className={`${cell} whitespace-nowrap text-muted`}>
            {dateTime(node.createdAt, i18n.language)}
          </td>
          <td className={`${cell} whitespace-nowrap`}>
            {names.get(node.actorUserId ?? "") ?? t("audit.nobody")}
            {node.actorTokenId && <span className="block text-meta text-muted">{t("audit.token")}</span>}
          </td>
          <td className={`${cell} whitespace-nowrap`}>
            <code className="text-meta">{node.action}</code>
          </td>
          <td className={`${cell} text-meta text-muted`}>
            {detailText(node.detail)}
            {node.ip && <span className="block">{node.ip}</span>}
          </td>
        </tr>
      ))}
      {data.audit.edges.length === 0 && after === null && (
        <tr>
          <td colSpan={4}>
            <Empty icon={<ScrollText size={22} aria-hidden />} title={t("audit.empty")} />
          </td>
        </tr>
      )}
      {last && hasNextPage && endCursor && (
        <tr>
          <td colSpan={4} className="p-3 text-center">
            <Button onClick={() => onMore(endCursor)}>{t("audit.more")}</Button>
          </td>
        </tr>
      )}
    </>
  );
}

export function AuditPage() {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const [people] = useQuery({ query: Members });
  const names = new Map(people.data?.members.map(({ user }) => [user.id, user.name]));
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  return (
    <Page title={t("common:nav.audit")} text={t("audit.text")}>
      <Card>
        <div className="overflow-x-auto">
          <table className="w-full min-w-160 text-left">
            <thead>
              <tr className="border-b text-meta text-muted">
                {(["when", "who", "what", "detail"] as const).map((column) => (
                  <th key={column} scope="col" className="px-4 py-2 font-medium">
                    {t(`audit.${column}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {cursors.map((after, index) => (
                <Entries
                  key={after ?? ""}
                  after={after}
                  last={index === cursors.length - 1}
                  names={names}
                  onMore={(next) => setCursors([...cursors, next])}
                />
              ))}
            </tbody>
          </table>
        </div>
      </Card>
    </Page>
  );
}
