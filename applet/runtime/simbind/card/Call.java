package simbind.card;

/** One call of the card into an applet, from its start to its return, and what belongs to it alone. */
public final class Call {
    /** Loops and method entries one call may take, a service of the card counting as many of them. */
    private static final long STEPS = 20_000_000;
    private static final long STEPS_A_SERVICE = 2_000;

    private static Call current; // of the thread that has the turn

    public final Card card;
    public final Command command;
    int channel; // of the command, or of the deselection
    final Proactive proactive = new Proactive(this);
    final Response response = new Response();
    private final Pipe pipe;
    private final int id;
    final boolean toolkit;
    private boolean dead;
    private long steps;

    Call(Pipe pipe, int id, Card card, Command command, boolean toolkit) {
        this.pipe = pipe;
        this.id = id;
        this.card = card;
        this.command = command;
        channel = command == null ? 0 : command.channel();
        this.toolkit = toolkit;
        current = this;
    }

    /** The call that runs now. */
    public static Call now() {
        return current;
    }

    public int channel() {
        return channel;
    }

    /** Asks the card. The answer begins after its status, which the caller reads. */
    Frame service(int what, Frame.Out arguments) {
        alive();
        steps(STEPS_A_SERVICE);
        byte[] tail = arguments.toBytes();
        byte[] body = new byte[tail.length + 1];
        body[0] = (byte) what;
        System.arraycopy(tail, 0, body, 1, tail.length);
        Frame f = pipe.ask(id, body);
        current = this;
        if (f.kind == Frame.UNWIND) {
            dead = true;
            throw new Unwound();
        }
        return f;
    }

    /** Code of an applet that is being unwound (finally) gets no further. */
    void alive() {
        if (dead) {
            throw new Unwound();
        }
    }

    void step() {
        steps(1);
    }

    private void steps(long n) {
        steps += n;
        if (steps > STEPS) {
            dead = true;
            throw new Fatal("the applet ran away: more than " + STEPS + " steps in one call");
        }
    }
}
