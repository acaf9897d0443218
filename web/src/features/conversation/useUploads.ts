import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ChannelKind } from "@/features/inbox/channels";
import { useApi } from "@/lib/app";
import type { Upload } from "@/lib/drafts";
import { act } from "@/lib/gql/act";
import { authorization } from "@/lib/gql/session";
import { toast } from "@/ui/toasts";
import { CreateUpload } from "./conversation.gql";

export function accepts(types: readonly string[], type: string): boolean {
  return (
    types.length === 0 ||
    types.some((one) => one === type || (one.endsWith("/*") && type.startsWith(one.slice(0, -1))))
  );
}

/** Sends files to the server while the reply is still written; refuses what the channel would refuse. */
export function useUploads(
  kind: ChannelKind | undefined,
  uploads: readonly Upload[],
  onChange: (uploads: Upload[]) => void,
) {
  const { t } = useTranslation(["inbox", "common"]);
  const { client } = useApi();
  const [busy, setBusy] = useState(0);
  const latest = useRef({ uploads, onChange });
  latest.current = { uploads, onChange };

  async function put(one: File): Promise<Upload | null> {
    const mediaType = one.type || "application/octet-stream";
    const created = await act(client, CreateUpload, { name: one.name, mediaType, sizeBytes: one.size });
    if (!created?.id || !created.url) return null;
    const response = await fetch(created.url, {
      method: "PUT",
      body: one,
      headers: { "content-type": mediaType, ...(await authorization()) },
    }).catch(() => null);
    if (response?.ok) return { id: created.id, name: one.name, mediaType, sizeBytes: one.size };
    toast(t("composer.uploadFailed", { name: one.name }), { tone: "bad" });
    return null;
  }

  async function attach(files: Iterable<File> | null): Promise<void> {
    for (const one of files ?? []) {
      if (kind && !accepts(kind.attachmentTypes, one.type)) {
        toast(t("composer.typeRefused", { name: one.name }), { tone: "bad" });
        continue;
      }
      if (kind && one.size > kind.attachmentMaxBytes) {
        toast(t("composer.tooBig", { name: one.name }), { tone: "bad" });
        continue;
      }
      setBusy((count) => count + 1);
      const upload = await put(one);
      setBusy((count) => count - 1);
      if (upload) {
        const next = [...latest.current.uploads, upload];
        latest.current.uploads = next;
        latest.current.onChange(next);
      }
    }
  }
  return { busy: busy > 0, attach };
}
