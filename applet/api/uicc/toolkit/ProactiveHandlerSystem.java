package uicc.toolkit;

/** Gives the proactive handler, when the event allows it. */
public final class ProactiveHandlerSystem {

    private ProactiveHandlerSystem() {
    }

    public static ProactiveHandler getTheHandler() throws ToolkitException {
        throw new Stub();
    }
}
