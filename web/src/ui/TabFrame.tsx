/** The tabs around their panel. */

import { createContext, memo, type ReactNode, useContext, useMemo } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { useTranslations } from "use-intl";
import { ALL } from "../model/tabs";
import { Icon } from "./icons";

/** What a tab says of itself. */
export interface TabTitle {
  readonly id: string;
  readonly label: string;
  readonly isTroubled: boolean;
}

/** What the panel of the chosen tab holds. It goes past the tabs, so that they are not drawn again with every price. */
export const PanelContext = createContext<ReactNode>(null);

interface TabFrameProps {
  readonly titles: readonly TabTitle[];
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}

/** The tabs, and a panel with whatever `PanelContext` has. */
export const TabFrame = memo(function TabFrame({ titles, chosen, onChoose }: TabFrameProps) {
  const t = useTranslations("tabs");
  return (
    <Tabs className="tabs" selectedKey={chosen} onSelectionChange={(id) => onChoose(String(id))}>
      <TabList className="tab-list" aria-label={t("label")}>
        {titles.map(({ id, label, isTroubled }) => (
          <Tab className="tab" key={id} id={id} data-testid={`tab-${id}`}>
            <bdi>{label}</bdi>
            {id !== ALL && isTroubled ? (
              <span className="tab-warning" role="img" aria-label={t("warning")}>
                <Icon name="warning" />
              </span>
            ) : null}
          </Tab>
        ))}
      </TabList>
      <TabPanel id={chosen} className="card panel" data-testid="assets">
        <div id="assets" tabIndex={-1}>
          <Panel />
        </div>
      </TabPanel>
    </Tabs>
  );
});

function Panel() {
  return useContext(PanelContext);
}

/** The very same titles as before for as long as they say the same. */
export function useSameTitles(titles: readonly TabTitle[]): readonly TabTitle[] {
  const said = JSON.stringify(titles);
  return useMemo(() => JSON.parse(said) as readonly TabTitle[], [said]);
}
