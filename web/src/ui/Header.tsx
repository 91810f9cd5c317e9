/** The bar on top: what this is, how the connection stands, and how the page looks. */

import { memo, useState } from "react";
import {
  Button,
  Heading,
  Label,
  Radio,
  RadioGroup,
  ToggleButton,
  Tooltip,
  TooltipTrigger,
} from "react-aria-components";
import { useTranslations } from "use-intl";
import type { Language } from "../lib/format";
import type { ConnectionState } from "../live/state";
import { Connection } from "./Connection";
import { Icon } from "./icons";
import { Modal } from "./Modal";
import { choose, LANGUAGES, type Theme, usePreferences } from "./preferences";

const LANGUAGE_NAMES = { tr: "Türkçe", en: "English" } as const;
const THEMES: readonly Theme[] = ["system", "light", "dark"];
const THEME_ICONS = { system: "system", light: "sun", dark: "moon" } as const;

interface HeaderProps {
  readonly connection: ConnectionState;
  readonly portfolio: string | null;
  readonly portfolios: readonly string[];
}

/** The bar itself. It says "Demo" wherever numbers are made up. */
export function Header({ connection, portfolio, portfolios }: HeaderProps) {
  const t = useTranslations("app");
  return (
    <header className="bar">
      <div className="bar-inner">
        <span className="brand">
          <Icon name="bolt" />
          <span className="brand-name">{t("name")}</span>
        </span>
        {connection.document?.demo ? <DemoBadge /> : null}
        <PortfolioChoice current={portfolio} portfolios={portfolios} />
        <span className="spacer" />
        <Connection connection={connection} />
        <Privacy />
        <Settings />
      </div>
    </header>
  );
}

function DemoBadge() {
  const t = useTranslations("demo");
  return (
    <strong className="demo-badge" data-testid="demo-badge" title={t("text")}>
      {t("badge")}
    </strong>
  );
}

function PortfolioChoice({ current, portfolios }: { current: string | null; portfolios: readonly string[] }) {
  const t = useTranslations("app");
  if (portfolios.length < 2) {
    return null;
  }
  const go = (name: string) => {
    const query = new URLSearchParams(location.search);
    query.set("portfolio", name);
    location.search = query.toString();
  };
  return (
    <select
      className="select"
      aria-label={t("portfolio")}
      value={current ?? ""}
      onChange={(event) => go(event.target.value)}
    >
      {current === null || !portfolios.includes(current) ? (
        <option value={current ?? ""}>{current ?? ""}</option>
      ) : null}
      {portfolios.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

const Privacy = memo(function Privacy() {
  const t = useTranslations("app");
  const { hidden } = usePreferences();
  const label = t(hidden ? "privacyShow" : "privacyHide");
  return (
    <TooltipTrigger delay={400}>
      <ToggleButton
        className="icon-button"
        aria-label={label}
        isSelected={hidden}
        onChange={(isHidden) => choose({ hidden: isHidden })}
        data-testid="privacy"
      >
        <Icon name={hidden ? "eyeOff" : "eye"} />
      </ToggleButton>
      <Tooltip className="tooltip">{label}</Tooltip>
    </TooltipTrigger>
  );
});

const Settings = memo(function Settings() {
  const t = useTranslations("app");
  const { theme, language } = usePreferences();
  const [isOpen, setOpen] = useState(false);
  const names = { system: t("themeSystem"), light: t("themeLight"), dark: t("themeDark") };
  return (
    <>
      <Button className="icon-button" onPress={() => setOpen(true)} data-testid="settings">
        <Icon name={THEME_ICONS[theme]} />
        <span className="visually-hidden">{t("settings")},</span> {language.toUpperCase()}
      </Button>
      <Modal isOpen={isOpen} onClose={() => setOpen(false)} testId="settings-dialog">
        <Heading slot="title">{t("settings")}</Heading>
        <RadioGroup className="choice" value={language} onChange={(value) => choose({ language: value as Language })}>
          <Label>{t("language")}</Label>
          {LANGUAGES.map((one) => (
            <Radio className="choice-item" key={one} value={one}>
              <span lang={one}>{LANGUAGE_NAMES[one]}</span>
            </Radio>
          ))}
        </RadioGroup>
        <RadioGroup className="choice" value={theme} onChange={(value) => choose({ theme: value as Theme })}>
          <Label>{t("theme")}</Label>
          {THEMES.map((one) => (
            <Radio className="choice-item" key={one} value={one}>
              <Icon name={THEME_ICONS[one]} />
              {names[one]}
            </Radio>
          ))}
        </RadioGroup>
        <div className="dialog-actions">
          <Button className="button primary" onPress={() => setOpen(false)}>
            {t("close")}
          </Button>
        </div>
      </Modal>
    </>
  );
});
