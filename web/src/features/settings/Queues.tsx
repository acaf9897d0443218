import { Layers, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { QUEUE_COLORS, QueueDot } from "@/features/inbox/StatusPill";
import { useApi } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { ProblemItem } from "@/lib/gql/fragments";
import { graphql, type ResultOf } from "@/lib/gql/graphql";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/cx";
import { CheckBox, Input, Select } from "@/ui/Field";
import { Empty } from "@/ui/States";
import { Capacity } from "./Capacity";
import { Doomed, FormDialog } from "./FormDialog";
import { Card, Page, Row, Rows } from "./Page";
import { Members } from "./People";
import { Skills } from "./Skills";
import { useSubmit } from "./useSubmit";

const QueueItem = graphql(`
  fragment QueueItem on Queue {
    __typename id name color offerTtlSeconds targetSeconds archivedAt
    requiredSkills { __typename skillId levelMin }
    members { __typename userId priority delaySeconds }
  }
`);
type QueueItem = ResultOf<typeof QueueItem>;
const Queues = graphql(`query Queues { queues { ...QueueItem } }`, [QueueItem]);
const SaveQueue = graphql(
  `mutation SaveQueue($input: QueueInput!) { saveQueue(input: $input) { __typename problem { ...ProblemItem } queue { ...QueueItem } } }`,
  [ProblemItem, QueueItem],
);
const ArchiveQueue = graphql(
  `mutation ArchiveQueue($id: ID!) { archiveQueue(id: $id) { __typename problem { ...ProblemItem } queue { __typename id archivedAt } } }`,
  [ProblemItem],
);

interface Place {
  priority: number;
  delaySeconds: number;
}
const FIRST: Place = { priority: 1, delaySeconds: 0 };

/** Whether she works in the queue, in which round she is asked, and after how long a wait. */
function MemberRow({
  name,
  place,
  onChange,
}: {
  name: string;
  place: Place | null;
  onChange: (place: Place | null) => void;
}) {
  const { t } = useTranslation(["settings", "common", "auth"]);
  return (
    <div className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-1">
      <div className="min-w-40 flex-1">
        <CheckBox
          label={name}
          checked={place !== null}
          onChange={(event) => onChange(event.target.checked ? FIRST : null)}
        />
      </div>
      {place && (
        <>
          <Select
            label={t("queues.priorityOf", { name })}
            hideLabel
            value={String(place.priority)}
            onChange={(event) => onChange({ ...place, priority: Number(event.target.value) })}
          >
            {[...new Set([1, 2, 3, 4, 5, place.priority])].map((round) => (
              <option key={round} value={round}>
                {t("queues.round", { round })}
              </option>
            ))}
          </Select>
          <span className="inline-flex w-32 items-center gap-1.5">
            <Input
              label={t("queues.delayOf", { name })}
              hideLabel
              type="number"
              min={0}
              max={86400}
              value={String(place.delaySeconds)}
              onChange={(event) => onChange({ ...place, delaySeconds: Number(event.target.value) })}
            />
            <span className="whitespace-nowrap text-meta text-muted">{t("queues.delay")}</span>
          </span>
        </>
      )}
    </div>
  );
}

function QueueForm({ queue, onClose }: { queue: QueueItem | null; onClose: () => void }) {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const form = useSubmit();
  const [members] = useQuery({ query: Members });
  const [skills] = useQuery({ query: Skills });
  const [name, setName] = useState(queue?.name ?? "");
  const [color, setColor] = useState(queue?.color ?? 0);
  const [offerTtl, setOfferTtl] = useState(String(queue?.offerTtlSeconds ?? 20));
  const [target, setTarget] = useState(String(queue?.targetSeconds ?? 60));
  const [chosen, setChosen] = useState(
    () =>
      new Map(
        queue?.members.map(({ userId, priority, delaySeconds }) => [userId, { priority, delaySeconds }]),
      ),
  );
  const [needed, setNeeded] = useState(
    () => new Map(queue?.requiredSkills.map((skill) => [skill.skillId, skill.levelMin])),
  );
  const submit = async () => {
    const saved = await form.run(SaveQueue, {
      input: {
        ...(queue ? { id: queue.id } : {}),
        name,
        color,
        offerTtlSeconds: Number(offerTtl),
        targetSeconds: Number(target),
        members: [...chosen].map(([userId, place]) => ({ userId, ...place })),
        requiredSkills: [...needed].map(([skillId, levelMin]) => ({ skillId, levelMin })),
      },
    });
    if (saved) onClose();
  };
  return (
    <FormDialog
      title={t(queue ? "queues.edit" : "queues.add")}
      form={form}
      known={["name", "offerTtlSeconds", "targetSeconds"]}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <Input
        label={t("queues.name")}
        required
        maxLength={80}
        value={name}
        error={form.errorOf("name")}
        onChange={(event) => setName(event.target.value)}
      />
      <fieldset>
        <legend className="mb-1 font-medium">{t("queues.color")}</legend>
        <div className="flex gap-1.5">
          {QUEUE_COLORS.map((value, index) => (
            <button
              key={value}
              type="button"
              aria-label={t("queues.colorNumber", { number: index + 1 })}
              aria-pressed={color === index}
              onClick={() => setColor(index)}
              className={cx(
                "size-7 rounded-full border-2",
                color === index ? "border-text" : "border-transparent",
              )}
              style={{ background: value }}
            />
          ))}
        </div>
      </fieldset>
      <div className="grid grid-cols-2 gap-3">
        <Input
          label={t("queues.offerTtl")}
          type="number"
          min={5}
          max={600}
          required
          value={offerTtl}
          error={form.errorOf("offerTtlSeconds")}
          onChange={(event) => setOfferTtl(event.target.value)}
        />
        <Input
          label={t("queues.target")}
          type="number"
          min={1}
          max={864000}
          required
          value={target}
          error={form.errorOf("targetSeconds")}
          onChange={(event) => setTarget(event.target.value)}
        />
      </div>
      <fieldset className="flex flex-col gap-1.5">
        <legend className="mb-1 font-medium">{t("queues.members")}</legend>
        {members.data?.members.map(({ user }) => (
          <MemberRow
            key={user.id}
            name={user.name}
            place={chosen.get(user.id) ?? null}
            onChange={(place) => {
              const next = new Map(chosen);
              if (place) next.set(user.id, place);
              else next.delete(user.id);
              setChosen(next);
            }}
          />
        ))}
      </fieldset>
      <fieldset className="flex flex-col gap-1.5">
        <legend className="mb-1 font-medium">{t("queues.skills")}</legend>
        {skills.data?.skills.length === 0 && <p className="text-muted">{t("queues.noSkills")}</p>}
        {skills.data?.skills
          .filter((skill) => skill.archivedAt === null)
          .map((skill) => (
            <div key={skill.id} className="flex items-center gap-3">
              <span className="flex-1">{skill.name}</span>
              <Select
                label={t("queues.level", { name: skill.name })}
                hideLabel
                value={String(needed.get(skill.id) ?? 0)}
                onChange={(event) => {
                  const next = new Map(needed);
                  if (event.target.value === "0") next.delete(skill.id);
                  else next.set(skill.id, Number(event.target.value));
                  setNeeded(next);
                }}
              >
                <option value="0">{t("queues.notNeeded")}</option>
                {[1, 2, 3, 4, 5].map((level) => (
                  <option key={level} value={level}>
                    {t("queues.atLeast", { level })}
                  </option>
                ))}
              </Select>
            </div>
          ))}
      </fieldset>
    </FormDialog>
  );
}

export function QueuesPage() {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const { client } = useApi();
  const [{ data, error, fetching }, refetch] = useQuery({
    query: Queues,
    requestPolicy: "cache-and-network",
  });
  const [edited, setEdited] = useState<QueueItem | "new" | null>(null);
  const [archiving, setArchiving] = useState<QueueItem | null>(null);
  const queues = data?.queues.filter((queue) => queue.archivedAt === null);
  return (
    <Page
      title={t("common:nav.queues")}
      text={t("queues.text")}
      loading={fetching && !data}
      error={data ? undefined : error}
      onRetry={() => refetch({ requestPolicy: "network-only" })}
      action={
        <Button look="primary" icon={<Plus size={15} aria-hidden />} onClick={() => setEdited("new")}>
          {t("queues.add")}
        </Button>
      }
    >
      <Card>
        {queues?.length === 0 && <Empty icon={<Layers size={22} aria-hidden />} title={t("queues.empty")} />}
        <Rows>
          {queues?.map((queue) => (
            <Row
              key={queue.id}
              icon={<QueueDot color={queue.color} />}
              title={queue.name}
              text={t("queues.summary", {
                count: queue.members.length,
                offer: queue.offerTtlSeconds,
                target: queue.targetSeconds,
              })}
              actions={
                <>
                  <Button onClick={() => setEdited(queue)}>{t("edit")}</Button>
                  <Button look="danger" onClick={() => setArchiving(queue)}>
                    {t("archive")}
                  </Button>
                </>
              }
            />
          ))}
        </Rows>
      </Card>
      {edited && <QueueForm queue={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
      <Capacity />
      <Doomed
        target={archiving}
        title={({ name }) => t("queues.archiveTitle", { name })}
        text={t("queues.archiveText")}
        confirm={t("archive")}
        onClose={() => setArchiving(null)}
        onConfirm={({ id }) => void act(client, ArchiveQueue, { id })}
      />
    </Page>
  );
}
