import { useState } from "react";
import { useTranslation } from "react-i18next";
import { problemText } from "@/lib/gql/act";
import type { Problem } from "@/lib/gql/fragments";
import { Unreachable } from "@/lib/gql/session";

/** One request at a time; its refusal is shown beside the field it names, or above the button. */
export function useForm() {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<{ field: string | null; text: string } | null>(null);
  const run = async (work: () => Promise<Problem | null>): Promise<boolean> => {
    setBusy(true);
    setProblem(null);
    try {
      const refused = await work();
      if (refused) setProblem({ field: refused.field, text: problemText(refused) });
      return refused === null;
    } catch (error) {
      setProblem({
        field: null,
        text: error instanceof Unreachable ? t("error.network") : t("error.server"),
      });
      return false;
    } finally {
      setBusy(false);
    }
  };
  return {
    busy,
    run,
    errorOf: (field: string) => (problem?.field === field ? problem.text : null),
    general: (fields: readonly string[]) =>
      problem && !fields.includes(problem.field ?? "") ? problem.text : null,
  };
}
