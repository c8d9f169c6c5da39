package probe;

/** An object among others, to see that references survive. */
class Node {
    static short made;

    Node next;
    byte mark;
    short value;
    boolean flag;

    Node(Node next, byte mark) {
        this.next = next;
        this.mark = mark;
        made++;
    }
}
