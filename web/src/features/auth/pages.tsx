import { Link, useNavigate, useRouter, useRouterState, useSearch } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { create } from "zustand";
import { type Problem, ProblemItem } from "@/lib/gql/fragments";
import { graphql, type ResultOf } from "@/lib/gql/graphql";
import { AcceptInvitation, adopt, request, SetUp, SignIn, useSession } from "@/lib/gql/session";
import { usePreferences } from "@/lib/prefs";
import { Button } from "@/ui/Button";
import { Input, Select } from "@/ui/Field";
import { toast } from "@/ui/toasts";
import { AuthFrame } from "./AuthFrame";
import { NewPasswordInput } from "./NewPasswordInput";
import { useForm } from "./useForm";

const Setup = graphql(
  `query Setup { setupState { __typename needed version demo { __typename email password } } }`,
);
type SetupState = ResultOf<typeof Setup>["setupState"];

/** What the first screen needs before anyone signs in. */
export const useSetup = create<{ setup: SetupState | null }>()(() => ({ setup: null }));

export function loadSetup(): void {
  request(Setup, {}).then(
    (data) => useSetup.setState({ setup: data.setupState }),
    // Unreachable: the session's own request says so on screen.
    () => undefined,
  );
}
const RequestReset = graphql(`
  mutation RequestReset($email: String!) { requestPasswordReset(email: $email) { __typename problem { __typename code message field } } }
`);
const ResetPassword = graphql(
  `mutation ResetPassword($token: String!, $password: String!) {
    resetPassword(token: $token, password: $password) { __typename problem { ...ProblemItem } }
  }`,
  [ProblemItem],
);

function Form({
  onSubmit,
  error,
  children,
}: {
  onSubmit: () => void;
  error: string | null;
  children: ReactNode;
}) {
  return (
    <form
      className="mt-4 flex flex-col gap-4"
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {error && (
        <p role="alert" className="rounded-control bg-bad-soft px-3 py-2 text-bad">
          {error}
        </p>
      )}
      {children}
    </form>
  );
}

export function SignInPage() {
  const setup = useSetup((state) => state.setup);
  const { t } = useTranslation("auth");
  const form = useForm();
  const { history } = useRouter();
  const { from } = useSearch({ strict: false }) as { from?: string };
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const signIn = (as: { email: string; password: string }) =>
    form.run(async () => adopt((await request(SignIn, as)).signIn));
  // However she came in (this form, the first set-up, her cookie), nothing is left to do here.
  const signedIn = useSession((state) => state.status === "signedIn");
  useEffect(() => {
    // Only a path of this site: an address from outside must not steer the browser.
    if (signedIn) history.replace(from && /^\/(?![/\\])/.test(from) ? from : "/inbox");
  }, [signedIn, history, from]);
  return (
    <AuthFrame title={t("signIn.title")}>
      <Form onSubmit={() => void signIn({ email, password })} error={form.general(["email", "password"])}>
        <Input
          large
          label={t("email")}
          type="email"
          autoComplete="username"
          required
          value={email}
          error={form.errorOf("email")}
          onChange={(event) => setEmail(event.target.value)}
        />
        <Input
          large
          label={t("password")}
          type="password"
          autoComplete="current-password"
          required
          value={password}
          error={form.errorOf("password")}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button large look="primary" type="submit" busy={form.busy}>
          {t("signIn.submit")}
        </Button>
        <Link
          to="/reset-password"
          className="text-center text-accent-text underline-offset-2 hover:underline"
        >
          {t("signIn.forgot")}
        </Link>
      </Form>
      {setup?.demo && (
        <div className="mt-5 rounded-control border border-line-strong border-dashed bg-subtle p-3">
          <p className="font-medium">{t("signIn.demo")}</p>
          <p className="select-all font-mono text-meta text-muted">{setup.demo.email}</p>
          <p className="mb-2 select-all font-mono text-meta text-muted">{setup.demo.password}</p>
          <Button
            busy={form.busy}
            onClick={() =>
              setup.demo && void signIn({ email: setup.demo.email, password: setup.demo.password })
            }
          >
            {t("signIn.demoEnter")}
          </Button>
        </div>
      )}
    </AuthFrame>
  );
}

const zones = (): string[] => {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return [...new Set([own, ...Intl.supportedValuesOf("timeZone")])];
};

export function SetupPage() {
  const { t, i18n } = useTranslation("auth");
  const form = useForm();
  const [input, setInput] = useState({
    tenant: "",
    name: "",
    email: "",
    password: "",
    timeZone: zones()[0] ?? "UTC",
  });
  const set = (key: keyof typeof input) => (event: { target: { value: string } }) =>
    setInput({ ...input, [key]: event.target.value });
  const submit = async () => {
    const done = await form.run(async () =>
      adopt((await request(SetUp, { input: { ...input, locale: i18n.language } })).setup),
    );
    if (!done) return;
    usePreferences.setState({ language: i18n.language });
    loadSetup();
  };
  return (
    <AuthFrame title={t("setup.title")} text={t("setup.text")}>
      <Form
        onSubmit={() => void submit()}
        error={form.general(["tenant", "name", "email", "password", "timeZone"])}
      >
        <fieldset className="flex flex-col gap-4">
          <legend className="mb-2 font-semibold text-meta text-muted">{t("setup.organisation")}</legend>
          <Input
            large
            label={t("setup.tenant")}
            required
            maxLength={120}
            autoComplete="organization"
            value={input.tenant}
            error={form.errorOf("tenant")}
            onChange={set("tenant")}
          />
          <Select
            large
            label={t("setup.timeZone")}
            value={input.timeZone}
            error={form.errorOf("timeZone")}
            onChange={set("timeZone")}
          >
            {zones().map((zone) => (
              <option key={zone}>{zone}</option>
            ))}
          </Select>
        </fieldset>
        <fieldset className="flex flex-col gap-4">
          <legend className="mb-2 font-semibold text-meta text-muted">{t("setup.owner")}</legend>
          <Input
            large
            label={t("name")}
            required
            maxLength={120}
            autoComplete="name"
            value={input.name}
            error={form.errorOf("name")}
            onChange={set("name")}
          />
          <Input
            large
            label={t("email")}
            type="email"
            required
            autoComplete="username"
            value={input.email}
            error={form.errorOf("email")}
            onChange={set("email")}
          />
          <NewPasswordInput
            large
            label={t("password")}
            value={input.password}
            error={form.errorOf("password")}
            onChange={(password) => setInput({ ...input, password })}
          />
        </fieldset>
        <Button large look="primary" type="submit" busy={form.busy}>
          {t("setup.submit")}
        </Button>
      </Form>
    </AuthFrame>
  );
}

/** The token of a mailed link stands behind `#`, which browsers send to no server and write in no log. */
const useToken = (): string => useRouterState({ select: (state) => state.location.hash });

/** What a mailed link leads to: a new password, for who is invited with a name. */
function ByLink({
  title,
  text,
  named = false,
  help,
  submit,
  onSubmit,
}: {
  title: string;
  text?: string;
  named?: boolean;
  help?: string;
  submit: string;
  onSubmit: (input: { token: string; name: string; password: string }) => Promise<Problem | null>;
}) {
  const { t } = useTranslation("auth");
  const form = useForm();
  const token = useToken();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  return (
    <AuthFrame title={title} {...(text ? { text } : {})}>
      <Form
        onSubmit={() => void form.run(() => onSubmit({ token, name, password }))}
        error={token ? form.general(["name", "password"]) : t("badLink")}
      >
        {named && (
          <Input
            large
            label={t("name")}
            required
            autoComplete="name"
            value={name}
            error={form.errorOf("name")}
            onChange={(event) => setName(event.target.value)}
          />
        )}
        <NewPasswordInput
          large
          label={t(named ? "password" : "newPassword")}
          help={help}
          value={password}
          error={form.errorOf("password")}
          onChange={setPassword}
        />
        <Button large look="primary" type="submit" busy={form.busy} disabled={!token}>
          {submit}
        </Button>
      </Form>
    </AuthFrame>
  );
}

export function InvitationPage() {
  const { t } = useTranslation("auth");
  const navigate = useNavigate();
  return (
    <ByLink
      named
      title={t("invitation.title")}
      text={t("invitation.text")}
      help={t("invitation.passwordHelp")}
      submit={t("invitation.submit")}
      onSubmit={async (input) => {
        const problem = adopt((await request(AcceptInvitation, input)).acceptInvitation);
        if (problem === null)
          void navigate({
            to: "/inbox/{-$number}",
            params: { number: undefined },
            search: {},
            replace: true,
          });
        return problem;
      }}
    />
  );
}

export function ResetPage() {
  return useToken() ? <NewPassword /> : <AskForReset />;
}

function AskForReset() {
  const { t } = useTranslation("auth");
  const form = useForm();
  const [email, setEmail] = useState("");
  const [sent, setSent] = useState(false);
  const submit = async () => {
    if (await form.run(async () => (await request(RequestReset, { email })).requestPasswordReset.problem))
      setSent(true);
  };
  return (
    <AuthFrame title={t("reset.title")} text={sent ? t("reset.sent") : t("reset.text")}>
      {!sent && (
        <Form onSubmit={() => void submit()} error={form.general([])}>
          <Input
            large
            label={t("email")}
            type="email"
            required
            autoComplete="username"
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
          <Button large look="primary" type="submit" busy={form.busy}>
            {t("reset.submit")}
          </Button>
        </Form>
      )}
      <p className="mt-4 text-center">
        <Link to="/sign-in" className="text-accent-text underline-offset-2 hover:underline">
          {t("reset.back")}
        </Link>
      </p>
    </AuthFrame>
  );
}

function NewPassword() {
  const { t } = useTranslation("auth");
  const navigate = useNavigate();
  return (
    <ByLink
      title={t("reset.newTitle")}
      submit={t("reset.save")}
      onSubmit={async ({ token, password }) => {
        const { problem } = (await request(ResetPassword, { token, password })).resetPassword;
        if (problem === null) {
          toast(t("reset.saved"));
          void navigate({ to: "/sign-in", replace: true });
        }
        return problem;
      }}
    />
  );
}
