import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { LanguageSelect } from "@/features/auth/AuthFrame";
import { NewPasswordInput } from "@/features/auth/NewPasswordInput";
import { useApi, useViewer } from "@/lib/app";
import { act } from "@/lib/gql/act";
import { ProblemItem } from "@/lib/gql/fragments";
import { graphql } from "@/lib/gql/graphql";
import { useSession } from "@/lib/gql/session";
import { askToNotify, testSound } from "@/lib/notify";
import { type Theme, UNDO_CHOICES, usePreferences } from "@/lib/prefs";
import { ago, useNow } from "@/lib/time";
import { Button } from "@/ui/Button";
import { CheckBox, Input, Select } from "@/ui/Field";
import { Pill } from "@/ui/Pill";
import { toast } from "@/ui/toasts";
import { Card, Page, Row, Rows } from "./Page";
import { useSubmit } from "./useSubmit";

const UpdateViewer = graphql(
  `mutation UpdateViewer($name: String, $locale: String) {
    updateViewer(name: $name, locale: $locale) { __typename problem { ...ProblemItem } viewer { __typename id name locale } }
  }`,
  [ProblemItem],
);
const ChangePassword = graphql(
  `mutation ChangePassword($current: String!, $password: String!) {
    changePassword(current: $current, password: $password) { __typename problem { ...ProblemItem } }
  }`,
  [ProblemItem],
);
const Sessions = graphql(
  `query Sessions { sessions { __typename id userAgent ip createdAt lastSeenAt current } }`,
);
const RevokeSession = graphql(
  `mutation RevokeSession($id: ID!) { revokeSession(id: $id) { __typename problem { ...ProblemItem } } }`,
  [ProblemItem],
);

function AboutMe() {
  const { t, i18n } = useTranslation(["settings", "common", "auth"]);
  const viewer = useViewer();
  const form = useSubmit();
  const [name, setName] = useState(viewer.name);
  return (
    <Card title={t("profile.me")}>
      <form
        className="flex max-w-md flex-col gap-4 p-4"
        onSubmit={async (event) => {
          event.preventDefault();
          if (!(await form.run(UpdateViewer, { name: name.trim(), locale: i18n.language }))) return;
          useSession.setState({ viewer: { ...viewer, name: name.trim(), locale: i18n.language } });
          toast(t("saved"));
        }}
      >
        <Input
          label={t("profile.name")}
          required
          value={name}
          error={form.errorOf("name") ?? form.general(["name"])}
          onChange={(event) => setName(event.target.value)}
        />
        <Input label={t("people.email")} readOnly value={viewer.email} />
        <div className="flex items-center gap-3">
          <span className="flex-1 font-medium">{t("profile.language")}</span>
          <LanguageSelect />
        </div>
        <div>
          <Button look="primary" type="submit" busy={form.busy}>
            {t("common:save")}
          </Button>
        </div>
      </form>
    </Card>
  );
}

function Appearance() {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const preferences = usePreferences();
  return (
    <Card title={t("profile.device")}>
      <div className="flex max-w-md flex-col gap-4 p-4">
        <Select
          label={t("profile.theme")}
          value={preferences.theme}
          onChange={(event) => usePreferences.setState({ theme: event.target.value as Theme })}
        >
          <option value="system">{t("common:theme.system")}</option>
          <option value="light">{t("common:theme.light")}</option>
          <option value="dark">{t("common:theme.dark")}</option>
        </Select>
        <CheckBox
          label={t("profile.compact")}
          checked={preferences.density === "compact"}
          onChange={(event) =>
            usePreferences.setState({ density: event.target.checked ? "compact" : "comfortable" })
          }
        />
        <Select
          label={t("profile.undo")}
          value={String(preferences.undoSeconds)}
          onChange={(event) => usePreferences.setState({ undoSeconds: Number(event.target.value) })}
        >
          {UNDO_CHOICES.map((count) => (
            <option key={count} value={count}>
              {count === 0 ? t("profile.undoOff") : t("profile.undoSeconds", { seconds: count })}
            </option>
          ))}
        </Select>
        <CheckBox
          label={t("profile.sound")}
          checked={preferences.sound}
          onChange={(event) => usePreferences.setState({ sound: event.target.checked })}
        />
        <div>
          <Button onClick={testSound}>{t("profile.testSound")}</Button>
        </div>
        <CheckBox
          label={t("profile.notify")}
          help={t("profile.notifyHelp")}
          checked={preferences.notifications}
          onChange={async (event) => {
            const wanted = event.target.checked;
            const allowed = wanted && (await askToNotify());
            usePreferences.setState({ notifications: allowed });
            if (wanted && !allowed) toast(t("profile.notifyDenied"), { tone: "bad" });
          }}
        />
        <CheckBox
          label={t("common:help.singleKeys")}
          help={t("common:help.singleKeysHelp")}
          checked={preferences.singleKeys}
          onChange={(event) => usePreferences.setState({ singleKeys: event.target.checked })}
        />
      </div>
    </Card>
  );
}

function Password() {
  const { t } = useTranslation(["settings", "common", "auth"]);
  const form = useSubmit();
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  return (
    <Card title={t("profile.password")}>
      <form
        className="flex max-w-md flex-col gap-4 p-4"
        onSubmit={async (event) => {
          event.preventDefault();
          if (!(await form.run(ChangePassword, { current, password }))) return;
          setCurrent("");
          setPassword("");
          toast(t("profile.passwordChanged"));
        }}
      >
        <Input
          label={t("profile.currentPassword")}
          type="password"
          autoComplete="current-password"
          required
          value={current}
          error={form.errorOf("current") ?? form.general(["current", "password"])}
          onChange={(event) => setCurrent(event.target.value)}
        />
        <NewPasswordInput
          label={t("auth:newPassword")}
          value={password}
          error={form.errorOf("password")}
          onChange={setPassword}
        />
        <div>
          <Button type="submit" busy={form.busy}>
            {t("profile.changePassword")}
          </Button>
        </div>
      </form>
    </Card>
  );
}

export function ProfilePage() {
  const { t, i18n } = useTranslation(["settings", "common", "auth"]);
  const { client } = useApi();
  const now = useNow("minute");
  const [{ data, error, fetching }, refetch] = useQuery({
    query: Sessions,
    requestPolicy: "cache-and-network",
  });
  return (
    <Page title={t("common:nav.profile")}>
      <AboutMe />
      <Appearance />
      <Password />
      <Card title={t("profile.sessions")}>
        {error && !data && <p className="p-4 text-bad">{t("common:error.server")}</p>}
        {fetching && !data && <p className="p-4 text-muted">…</p>}
        <Rows>
          {data?.sessions.map((session) => (
            <Row
              key={session.id}
              title={
                <>
                  <span className="break-all">{session.userAgent}</span>
                  {session.current && <Pill tone="ok">{t("profile.thisDevice")}</Pill>}
                </>
              }
              text={`${session.ip} · ${t("profile.lastSeen", { time: ago(session.lastSeenAt, i18n.language, now) })}`}
              actions={
                !session.current && (
                  <Button
                    look="danger"
                    onClick={async () => {
                      if (await act(client, RevokeSession, { id: session.id }))
                        refetch({ requestPolicy: "network-only" });
                    }}
                  >
                    {t("profile.signOutSession")}
                  </Button>
                )
              }
            />
          ))}
        </Rows>
      </Card>
    </Page>
  );
}
