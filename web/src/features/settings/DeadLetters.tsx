import { MailX } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { ProblemItem } from "@/lib/gql/fragments";
import { graphql } from "@/lib/gql/graphql";
import { dateTime } from "@/lib/time";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/States";
import { toast } from "@/ui/toasts";
import { Card, Page, Row, Rows } from "./Page";

const DeadLetters = graphql(`
  query DeadLetters {
    jobs(state: DEAD, first: 50) {
      __typename
      edges { __typename node { __typename id kind state attempts lastError runAt createdAt payload } }
    }
  }
`);
const Replay = graphql(
  `mutation ReplayJob($id: ID!) { replayJob(id: $id) { __typename problem { ...ProblemItem } job { __typename id state } } }`,
  [ProblemItem],
);
const Discard = graphql(
  `mutation DiscardJob($id: ID!) { discardJob(id: $id) { __typename problem { ...ProblemItem } job { __typename id state } } }`,
  [ProblemItem],
);

export function DeadLettersPage() {
  const { t, i18n } = useTranslation(["settings", "common", "auth"]);
  const { client } = useApi();
  const [{ data, error, fetching }, refetch] = useQuery({
    query: DeadLetters,
    requestPolicy: "cache-and-network",
  });
  const jobs = data?.jobs.edges.map((edge) => edge.node);
  return (
    <Page
      title={t("common:nav.deadLetters")}
      text={t("dead.text")}
      loading={fetching && !data}
      error={data ? undefined : error}
      onRetry={() => refetch({ requestPolicy: "network-only" })}
    >
      <Card>
        {jobs?.length === 0 && (
          <Empty icon={<MailX size={22} aria-hidden />} title={t("dead.empty")} text={t("dead.emptyText")} />
        )}
        <Rows>
          {jobs?.map((job) => (
            <Row
              key={job.id}
              title={job.kind}
              text={
                <>
                  {t("dead.tried", { count: job.attempts })} · {dateTime(job.createdAt, i18n.language)}
                  {job.lastError && <p className="mt-0.5 text-bad">{job.lastError}</p>}
                  <details className="mt-1">
                    <summary>{t("dead.payload")}</summary>
                    <pre className="mt-1 max-h-60 overflow-auto rounded-control bg-subtle p-2 text-text">
                      {JSON.stringify(job.payload, null, 2)}
                    </pre>
                  </details>
                </>
              }
              actions={
                <>
                  <Button
                    look="primary"
                    onClick={async () => {
                      if (await act(client, Replay, { id: job.id })) toast(t("dead.replayed"));
                    }}
                  >
                    {t("dead.replay")}
                  </Button>
                  <Button look="danger" onClick={() => void act(client, Discard, { id: job.id })}>
                    {t("dead.discard")}
                  </Button>
                </>
              }
            />
          ))}
        </Rows>
      </Card>
    </Page>
  );
}
