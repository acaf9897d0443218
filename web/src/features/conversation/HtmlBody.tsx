import { ImageOff } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui/Button";

/** What plain text would lose. Links, paragraphs and line breaks it keeps. */
const RICH = /<(table|img|h[1-6]|ul|ol|blockquote|pre|hr|b|strong|em|i|u)[\s>/]/i;
export const isRich = (html: string): boolean => RICH.test(html);

/** Mail assumes white paper, in the dark as well. */
const STYLE = `:root{color-scheme:light}body{margin:0;padding:2px;background:#fff;color:#1b2134;font:14px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
img{max-width:100%;height:auto}table{max-width:100%}blockquote{margin:0 0 0 8px;padding-left:8px;border-left:2px solid #ccd}pre{white-space:pre-wrap}
.kept{display:inline-block;padding:0 6px;border:1px dashed #99a;border-radius:4px;color:#445}`;
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:";

/** Pictures on other servers tell them who reads, and when: each becomes a link that is followed only when asked. */
function withoutRemotePictures(html: string): { html: string; remote: number } {
  const page = new DOMParser().parseFromString(html, "text/html");
  let remote = 0;
  for (const picture of page.querySelectorAll("img")) {
    if (/^(data|blob):/i.test(picture.getAttribute("src") ?? "")) continue;
    remote += 1;
    const link = page.createElement("a");
    link.className = "kept";
    link.textContent = picture.alt || "…";
    const address = picture.getAttribute("src") ?? "";
    if (/^https?:\/\//i.test(address)) link.href = address;
    picture.replaceWith(link);
  }
  for (const link of page.querySelectorAll("a[href]")) {
    link.setAttribute("target", "_blank");
    link.setAttribute("rel", "noopener noreferrer nofollow");
  }
  return { html: page.body.innerHTML, remote };
}

/** The sender's markup in a frame that runs nothing and loads nothing. */
export function HtmlBody({ html, text }: { html: string; text: string }) {
  const { t } = useTranslation(["inbox", "common"]);
  const frame = useRef<HTMLIFrameElement>(null);
  const [plain, setPlain] = useState(false);
  const [height, setHeight] = useState(60);
  const { html: clean, remote } = useMemo(() => withoutRemotePictures(html), [html]);
  const page = `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><style>${STYLE}</style>${clean}`;
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    let observer: ResizeObserver | null = null;
    const fit = () => {
      const body = element.contentDocument?.body;
      if (!body) return;
      setHeight(body.scrollHeight + 4);
      observer = new ResizeObserver(() => setHeight(body.scrollHeight + 4));
      observer.observe(body);
    };
    element.addEventListener("load", fit);
    return () => {
      element.removeEventListener("load", fit);
      observer?.disconnect();
    };
  }, []);
  return (
    <div className="flex w-[min(560px,64vw)] max-w-full flex-col gap-1.5">
      {plain ? (
        <span className="whitespace-pre-wrap">{text}</span>
      ) : (
        <iframe
          ref={frame}
          title={t("message.formatted")}
          sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"
          referrerPolicy="no-referrer"
          srcDoc={page}
          style={{ height }}
          className="w-full rounded-control border bg-white"
        />
      )}
      <div className="flex flex-wrap items-center gap-x-3 text-meta text-muted">
        {remote > 0 && (
          <span className="inline-flex items-center gap-1">
            <ImageOff size={12} aria-hidden />
            {t("message.remote", { count: remote })}
          </span>
        )}
        <Button look="quiet" className="h-6 px-1 text-meta text-muted" onClick={() => setPlain(!plain)}>
          {t(plain ? "message.showFormatted" : "message.showPlain")}
        </Button>
      </div>
    </div>
  );
}
