import { useTranslation } from "react-i18next";
import { Input } from "@/ui/Field";

/** The server's rule, said before it is broken. */
const PASSWORD_MIN = 10;

/** A password that is chosen now: managers may offer one, and its rule is told beside it. */
export function NewPasswordInput({
  label,
  value,
  error,
  help,
  large = false,
  onChange,
}: {
  label: string;
  value: string;
  error: string | null;
  help?: string | undefined;
  large?: boolean;
  onChange: (value: string) => void;
}) {
  const { t } = useTranslation("auth");
  return (
    <Input
      large={large}
      label={label}
      type="password"
      required
      minLength={PASSWORD_MIN}
      autoComplete="new-password"
      help={help ?? t("passwordHelp", { count: PASSWORD_MIN })}
      value={value}
      error={error}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
