import { useTranslation } from "react-i18next";
import { allCommands, type CommandGroup, useRegistry } from "@/lib/hotkeys/commands";
import { usePreferences } from "@/lib/prefs";
import { Dialog } from "@/ui/Dialog";
import { CheckBox } from "@/ui/Field";
import { Keys } from "@/ui/Keys";

const GROUPS: readonly CommandGroup[] = ["list", "ticket", "composer", "offer", "go", "presence", "app"];

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const owners = useRegistry((state) => state.owners);
  const singleKeys = usePreferences((state) => state.singleKeys);
  const commands = allCommands(owners).filter((command) => command.keys && command.keys.length > 0);
  return (
    <Dialog open={open} onClose={onClose} title={t("help.title")} width={720}>
      <div className="mb-4">
        <CheckBox
          label={t("help.singleKeys")}
          help={t("help.singleKeysHelp")}
          checked={singleKeys}
          onChange={(event) => usePreferences.setState({ singleKeys: event.target.checked })}
        />
      </div>
      <div className="gap-8 sm:columns-2">
        {GROUPS.map((group) => {
          const rows = commands.filter((command) => command.group === group);
          if (rows.length === 0) return null;
          return (
            <section key={group} className="mb-4 break-inside-avoid">
              <h3 className="mb-1 font-semibold text-meta text-muted">{t(`palette.group.${group}`)}</h3>
              <dl>
                {rows.map((command) => (
                  <div key={command.id} className="flex min-h-7 items-center justify-between gap-3 border-b">
                    <dt>{command.title}</dt>
                    <dd>
                      <Keys keys={command.keys?.[0] ?? ""} />
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          );
        })}
      </div>
    </Dialog>
  );
}
