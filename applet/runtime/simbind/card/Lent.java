package simbind.card;

/** Marks objects of the card that an applet may use while a call lasts and must not keep. */
public interface Lent {
}
