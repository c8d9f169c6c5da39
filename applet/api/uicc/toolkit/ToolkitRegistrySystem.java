package uicc.toolkit;

/** Gives the applet's entry in the toolkit registry. */
public final class ToolkitRegistrySystem {

    private ToolkitRegistrySystem() {
    }

    public static ToolkitRegistry getEntry() {
        throw new Stub();
    }
}
