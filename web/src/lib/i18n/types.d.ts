import "i18next";
import type auth from "../../../locales/en/auth.json";
import type common from "../../../locales/en/common.json";
import type inbox from "../../../locales/en/inbox.json";
import type settings from "../../../locales/en/settings.json";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "common";
    resources: { common: typeof common; inbox: typeof inbox; auth: typeof auth; settings: typeof settings };
  }
}
