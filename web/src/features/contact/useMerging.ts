import { useTranslation } from "react-i18next";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { toast } from "@/ui/toasts";
import { Merge, Unmerge } from "./contact.gql";

export function useMerging() {
  const { t } = useTranslation(["inbox", "common"]);
  const { client } = useApi();
  const unmerge = async (id: string) => {
    if (await act(client, Unmerge, { id })) toast(t("merge.undone"));
  };
  const merge = async (into: string, from: string): Promise<boolean> => {
    const done = await act(client, Merge, { into, from });
    if (done)
      toast(t("merge.done"), {
        liveMs: 10_000,
        action: { label: t("common:undo"), run: () => void unmerge(from) },
      });
    return done !== null;
  };
  return { merge, unmerge };
}
