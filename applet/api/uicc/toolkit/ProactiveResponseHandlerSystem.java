package uicc.toolkit;

/** Gives the handler of the last TERMINAL RESPONSE. */
public final class ProactiveResponseHandlerSystem {

    private ProactiveResponseHandlerSystem() {
    }

    public static ProactiveResponseHandler getTheHandler() throws ToolkitException {
        throw new Stub();
    }
}
