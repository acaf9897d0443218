import { useTranslation } from "react-i18next";
import type { ChannelKind } from "@/features/inbox/channels";
import { CheckBox, Input, Select, TextArea } from "@/ui/Field";
import type { useSubmit } from "./useSubmit";

export type Values = Record<string, string | boolean>;

/** Settings and secrets go apart: the server seals the latter and never shows them again. */
export function split(fields: ChannelKind["fields"], values: Values) {
  const settings: Record<string, string | number | boolean> = {};
  const secrets: Record<string, string | number | boolean> = {};
  for (const field of fields) {
    const value = values[field.name];
    if (value === undefined || value === "") continue;
    (field.secret ? secrets : settings)[field.name] = field.kind === "number" ? Number(value) : value;
  }
  return { settings, secrets };
}

function ManifestField({
  field,
  value,
  error,
  onChange,
}: {
  field: ChannelKind["fields"][number];
  value: string | boolean | undefined;
  error: string | null;
  onChange: (value: string | boolean) => void;
}) {
  const { t } = useTranslation(["settings", "common", "auth"]);
  if (field.kind === "boolean" || field.kind === "bool")
    return (
      <CheckBox
        label={field.label}
        help={field.help}
        checked={value === true}
        onChange={(event) => onChange(event.target.checked)}
      />
    );
  const text = typeof value === "string" ? value : "";
  const shared = { label: field.label, help: field.help || undefined, required: field.required, error };
  if (field.options.length > 0)
    return (
      <Select {...shared} value={text} onChange={(event) => onChange(event.target.value)}>
        <option value="">{t("choose")}</option>
        {field.options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </Select>
    );
  if (field.kind === "multiline" || field.kind === "textarea")
    return <TextArea {...shared} value={text} onChange={(event) => onChange(event.target.value)} />;
  const type = field.secret
    ? "password"
    : field.kind === "url"
      ? "url"
      : field.kind === "number"
        ? "number"
        : field.kind === "email"
          ? "email"
          : "text";
  return (
    <Input
      {...shared}
      type={type}
      autoComplete="off"
      spellCheck={false}
      value={text}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

/** The fields a channel's manifest asks for, whatever channel it is. */
export function ManifestFields({
  fields,
  values,
  form,
  onChange,
}: {
  fields: ChannelKind["fields"];
  values: Values;
  form: ReturnType<typeof useSubmit>;
  onChange: (values: Values) => void;
}) {
  return fields.map((field) => (
    <ManifestField
      key={field.name}
      field={field}
      value={values[field.name]}
      error={form.errorOf(field.name)}
      onChange={(value) => onChange({ ...values, [field.name]: value })}
    />
  ));
}
