package uicc.toolkit;

import simbind.card.Registry;

public final class ToolkitRegistrySystem {
    private ToolkitRegistrySystem() {
    }

    public static ToolkitRegistry getEntry() {
        return Registry.entry();
    }
}
