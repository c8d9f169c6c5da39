package uicc.toolkit;

import simbind.card.Handlers;

public final class ProactiveHandlerSystem {
    private ProactiveHandlerSystem() {
    }

    public static ProactiveHandler getTheHandler() throws ToolkitException {
        return Handlers.proactive();
    }
}
