package simbind.card;

/** What the card does for an applet; numbers and arguments as in vuicc/jvm/protocol.go. */
final class Service {
    static final int WRITE = 1;
    static final int SELECT = 10;
    static final int READ_BINARY = 11;
    static final int UPDATE_BINARY = 12;
    static final int READ_RECORD = 13;
    static final int UPDATE_RECORD = 14;
    static final int DEACTIVATE = 15;
    static final int ACTIVATE = 16;
    static final int OPEN_VIEW = 17;
    static final int AVAILABLE = 20;
    static final int SEND = 21;
    static final int ENVELOPE = 22;
    static final int REGISTERED = 23;
    static final int SET_EVENT = 24;
    static final int CLEAR_EVENT = 25;
    static final int IS_EVENT_SET = 26;
    static final int POLL = 27;
    static final int ALLOCATE_TIMER = 28;
    static final int RELEASE_TIMER = 29;
    static final int FILE_EVENT = 30;
    static final int SECURITY = 40;
    static final int UNWRAP = 41;
    static final int WRAP = 42;
    static final int LEVEL = 43;
    static final int RESET_SECURITY = 44;

    private Service() {
    }
}
