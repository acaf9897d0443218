import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { CombinedError } from "urql";
import { Button } from "./Button";
import { cx } from "./cx";

export function Skeleton({ className }: { className?: string }) {
  return <div className={cx("skeleton", className)} aria-hidden="true" />;
}

export function Empty({
  title,
  text,
  icon,
  action,
}: {
  title: string;
  text?: string;
  icon?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex h-full min-h-40 flex-col items-center justify-center gap-2 p-6 text-center text-muted">
      {icon}
      <p className="font-medium text-text text-title">{title}</p>
      {text && <p className="max-w-80">{text}</p>}
      {action && <div className="mt-2">{action}</div>}
    </div>
  );
}

function requestId(error: CombinedError): string | null {
  for (const one of error.graphQLErrors) {
    const id = one.extensions?.id ?? one.extensions?.requestId;
    if (typeof id === "string") return id;
  }
  return null;
}

export function Failed({ error, onRetry }: { error: CombinedError; onRetry: () => void }) {
  const { t } = useTranslation();
  const id = requestId(error);
  const code = error.graphQLErrors[0]?.extensions?.code;
  const cause = error.networkError
    ? t("error.network")
    : code === "FORBIDDEN"
      ? t("error.forbidden")
      : t("error.server");
  return (
    <div
      role="alert"
      className="flex h-full min-h-32 flex-col items-center justify-center gap-2 p-6 text-center"
    >
      <CircleAlert size={20} className="text-bad" aria-hidden />
      <p className="font-medium">{cause}</p>
      {id && (
        <p className="select-all font-mono text-meta text-muted">
          {t("error.reference")} {id}
        </p>
      )}
      <Button onClick={onRetry}>{t("retry")}</Button>
    </div>
  );
}
