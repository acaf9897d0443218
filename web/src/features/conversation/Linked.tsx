const URL_PATTERN = /(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/g;

/** Makes web addresses clickable and nothing else: the text is the customer's, so only http(s) counts. */
export function Linked({ text }: { text: string }) {
  const parts = text.split(URL_PATTERN);
  let offset = 0;
  return parts.map((part, index) => {
    const key = offset;
    offset += part.length + 1;
    return index % 2 === 1 ? (
      <a
        key={key}
        href={part}
        target="_blank"
        rel="noreferrer noopener nofollow"
        className="text-accent-text underline"
      >
        {part}
      </a>
    ) : (
      part
    );
  });
}
