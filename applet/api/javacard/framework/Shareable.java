package javacard.framework;

/** Marks an interface whose methods cross the applet firewall. */
public interface Shareable {
}
