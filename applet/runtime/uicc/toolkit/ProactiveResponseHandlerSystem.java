package uicc.toolkit;

import simbind.card.Handlers;

public final class ProactiveResponseHandlerSystem {
    private ProactiveResponseHandlerSystem() {
    }

    public static ProactiveResponseHandler getTheHandler() throws ToolkitException {
        return Handlers.response();
    }
}
