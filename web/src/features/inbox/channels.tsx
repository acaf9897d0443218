import { MessageCircle } from "lucide-react";
import { useMemo } from "react";
import { useQuery } from "urql";
import type { ResultOf } from "@/lib/gql/graphql";
import { ChannelKinds } from "./inbox.gql";

export type ChannelKind = ResultOf<typeof ChannelKinds>["channelKinds"][number];

export function useChannelKinds(): ReadonlyMap<string, ChannelKind> {
  const [{ data }] = useQuery({ query: ChannelKinds });
  return useMemo(() => new Map(data?.channelKinds.map((kind) => [kind.kind, kind])), [data]);
}

export function ChannelIcon({ channel, size = 16 }: { channel: string; size?: number }) {
  const kind = useChannelKinds().get(channel);
  const frame =
    "inline-flex shrink-0 items-center justify-center overflow-hidden rounded-full ring-2 ring-surface";
  if (!kind?.icon)
    return (
      <span className={`${frame} bg-subtle text-muted`} style={{ width: size, height: size }}>
        <MessageCircle size={size * 0.7} aria-hidden />
      </span>
    );
  return (
    <span
      className={`${frame} [&>svg]:size-full`}
      style={{ width: size, height: size }}
      // biome-ignore lint/security/noDangerouslySetInnerHtml: icons are compiled into the server, never user input.
      dangerouslySetInnerHTML={{ __html: kind.icon }}
    />
  );
}
