package simbind.card;

/** Ends the applet's frame when the power went or the card was reset while it ran: no exception an applet may catch. */
final class Unwound extends Error {
    Unwound() {
        super("power lost", null, false, false);
    }
}
