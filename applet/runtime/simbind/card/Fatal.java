package simbind.card;

/** The applet did what no card goes on after: it ran away, or left what this runtime can hold. The card falls silent. */
public final class Fatal extends Error {
    public Fatal(String what) {
        super(what);
    }
}
