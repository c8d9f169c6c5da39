package simbind.card;

/** An object of the card that an applet may keep, and that has a cell of its own form (see Cells). */
public interface Leaf {
    void write(Frame.Out out);
}
