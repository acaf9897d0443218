import { useEffect, useState } from "react";

/** Looks like text until it is touched; saves when left. */
export function Editable({
  label,
  value,
  multiline,
  onSave,
}: {
  label: string;
  value: string;
  multiline?: boolean;
  onSave: (value: string) => void;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const shared = {
    value: text,
    "aria-label": label,
    placeholder: label,
    onBlur: () => text !== value && onSave(text.trim()),
    className:
      "w-full rounded-control border border-transparent bg-transparent px-1.5 hover:border-line-strong focus:border-line-strong focus:bg-surface",
  };
  return multiline ? (
    <textarea
      {...shared}
      rows={2}
      className={`${shared.className} field-sizing-content resize-none py-1`}
      onChange={(event) => setText(event.target.value)}
    />
  ) : (
    <input
      {...shared}
      className={`${shared.className} h-7 font-semibold text-title`}
      onChange={(event) => setText(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.nativeEvent.isComposing) event.currentTarget.blur();
        if (event.key === "Escape") setText(value);
      }}
    />
  );
}
