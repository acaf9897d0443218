import { Split } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ChannelIcon } from "@/features/inbox/channels";
import { IconButton } from "@/ui/IconButton";
import type { IdentityItem } from "./contact.gql";
import { useMerging } from "./useMerging";

/** What came by a merge can go back: one button for each contact that was merged in. */
export function Identities({ identities }: { identities: readonly IdentityItem[] }) {
  const { t } = useTranslation(["inbox", "common"]);
  const { unmerge } = useMerging();
  const seen = new Set<string>();
  return (
    <ul className="flex list-none flex-col gap-1 p-0">
      {identities.map((identity) => {
        const from = identity.mergedFromId;
        const first = from !== null && !seen.has(from);
        if (from !== null) seen.add(from);
        return (
          <li key={identity.id} className="flex min-h-6 items-center gap-2">
            <ChannelIcon channel={identity.channel} size={16} />
            <span className="min-w-0 flex-1 truncate" title={identity.handle}>
              {identity.display || identity.handle}
              {identity.display !== "" && identity.display !== identity.handle && (
                <span className="ml-1.5 text-meta text-muted">{identity.handle}</span>
              )}
            </span>
            {first && (
              <IconButton label={t("merge.undo")} className="size-6" onClick={() => void unmerge(from)}>
                <Split size={14} aria-hidden />
              </IconButton>
            )}
          </li>
        );
      })}
    </ul>
  );
}
