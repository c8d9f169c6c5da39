package javacard.framework;

/** Marks an applet that may be selected on several logical channels at once (framework 1.2). */
public interface MultiSelectable {

    boolean select(boolean appInstAlreadyActive);

    void deselect(boolean appInstStillActive);
}
