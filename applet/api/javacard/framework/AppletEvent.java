package javacard.framework;

/** Called back before an instance is deleted (framework 1.2). */
public interface AppletEvent {

    void uninstall();
}
