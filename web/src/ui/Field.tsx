import {
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";
import { cx } from "./cx";

const CONTROL =
  "w-full rounded-control border border-line-strong bg-surface px-2.5 text-text aria-invalid:border-bad disabled:opacity-60";

interface Shell {
  label: string;
  help?: string | undefined;
  error?: string | null | undefined;
  hideLabel?: boolean;
}

function FieldShell({
  id,
  label,
  help,
  error,
  hideLabel,
  children,
}: Shell & { id: string; children: ReactNode }) {
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <label htmlFor={id} className={cx("font-medium", hideLabel && "sr-only")}>
        {label}
      </label>
      {children}
      {help && (
        <p id={`${id}-help`} className="text-meta text-muted">
          {help}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} role="alert" className="text-bad text-meta">
          {error}
        </p>
      )}
    </div>
  );
}

function describedBy(id: string, { help, error }: Shell): string | undefined {
  return [help && `${id}-help`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
}

type InputProps = Shell &
  InputHTMLAttributes<HTMLInputElement> & { large?: boolean; ref?: Ref<HTMLInputElement> };
export function Input({ label, help, error, hideLabel, large, className, ...rest }: InputProps) {
  const id = useId();
  const shell = { label, help, error, hideLabel: hideLabel ?? false };
  return (
    <FieldShell id={id} {...shell}>
      <input
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={describedBy(id, shell)}
        className={cx(CONTROL, large ? "h-9" : "h-8", className)}
        {...rest}
      />
    </FieldShell>
  );
}

type AreaProps = Shell & TextareaHTMLAttributes<HTMLTextAreaElement>;
export function TextArea({ label, help, error, hideLabel, className, ...rest }: AreaProps) {
  const id = useId();
  const shell = { label, help, error, hideLabel: hideLabel ?? false };
  return (
    <FieldShell id={id} {...shell}>
      <textarea
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={describedBy(id, shell)}
        className={cx(CONTROL, "min-h-20 py-1.5", className)}
        {...rest}
      />
    </FieldShell>
  );
}

type SelectProps = Shell & SelectHTMLAttributes<HTMLSelectElement> & { large?: boolean };
export function Select({ label, help, error, hideLabel, large, className, children, ...rest }: SelectProps) {
  const id = useId();
  const shell = { label, help, error, hideLabel: hideLabel ?? false };
  return (
    <FieldShell id={id} {...shell}>
      <select
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={describedBy(id, shell)}
        className={cx(CONTROL, large ? "h-9" : "h-8", className)}
        {...rest}
      >
        {children}
      </select>
    </FieldShell>
  );
}

export function CheckBox({
  label,
  help,
  ...rest
}: { label: string; help?: string } & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div className="flex items-start gap-2">
      <input
        id={id}
        type="checkbox"
        className="mt-0.5 size-4 accent-[var(--accent)]"
        aria-describedby={help ? `${id}-help` : undefined}
        {...rest}
      />
      <div>
        <label htmlFor={id}>{label}</label>
        {help && (
          <p id={`${id}-help`} className="text-meta text-muted">
            {help}
          </p>
        )}
      </div>
    </div>
  );
}
