package uicc.toolkit;

import javacard.framework.Shareable;

/** What the toolkit framework calls for every event the applet is registered to. */
public interface ToolkitInterface extends Shareable {

    void processToolkit(short event) throws ToolkitException;
}
