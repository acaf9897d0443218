import type { ReactNode } from "react";
import type { CombinedError } from "urql";
import { Failed, Skeleton } from "@/ui/States";

interface PageProps {
  title: string;
  text?: string;
  action?: ReactNode;
  loading?: boolean;
  error?: CombinedError | undefined;
  onRetry?: () => void;
  children: ReactNode;
}

/** Every settings page: a heading, one main action, and the three states a page can be in. */
export function Page({ title, text, action, loading, error, onRetry, children }: PageProps) {
  return (
    <div className="mx-auto flex w-full max-w-4xl flex-col gap-4 p-4 sm:p-6">
      <header className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0">
          <h1 className="font-semibold text-page">{title}</h1>
          {text && <p className="mt-0.5 max-w-2xl text-muted">{text}</p>}
        </div>
        {action}
      </header>
      {error ? (
        <Failed error={error} onRetry={() => onRetry?.()} />
      ) : loading ? (
        <div className="flex flex-col gap-2">
          <Skeleton className="h-12 w-full" />
          <Skeleton className="h-12 w-full" />
          <Skeleton className="h-12 w-full" />
        </div>
      ) : (
        children
      )}
    </div>
  );
}

export function Card({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <section className="rounded-card border bg-surface">
      {title && <h2 className="border-b px-4 py-2.5 font-semibold text-title">{title}</h2>}
      {children}
    </section>
  );
}

export function Rows({ children }: { children: ReactNode }) {
  return <ul className="list-none divide-y p-0">{children}</ul>;
}

export function Row({
  icon,
  title,
  text,
  actions,
}: {
  icon?: ReactNode;
  title: ReactNode;
  text?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-2.5">
      {icon}
      <div className="min-w-40 flex-1">
        <div className="flex flex-wrap items-center gap-2 font-medium">{title}</div>
        {text && <div className="text-meta text-muted">{text}</div>}
      </div>
      {actions && <div className="flex flex-wrap gap-1.5">{actions}</div>}
    </li>
  );
}
