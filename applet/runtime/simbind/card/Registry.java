package simbind.card;

import uicc.access.FileView;
import uicc.toolkit.ToolkitConstants;
import uicc.toolkit.ToolkitException;
import uicc.toolkit.ToolkitRegistry;

/** The applet's entry in the toolkit registry, which the card keeps (uicc.toolkit.ToolkitRegistry). */
public final class Registry implements ToolkitRegistry, Leaf {
    private static final short MENU_SELECTION = 7;
    private static final short MENU_SELECTION_HELP = 8;
    private static final short LOCATION_STATUS = 15;
    private static final short LOCAL_CONNECTION = 22;
    private static final short SYSTEM_POLL_SECONDS = 30;

    @Override
    public void write(Frame.Out out) {
        out.u8('R');
    }

    /** null before register, and without toolkit parameters at installation. */
    public static ToolkitRegistry entry() {
        Card card = Call.now().card;
        if (!card.registered() || ask(Service.REGISTERED, new Frame.Out()).u8() == 0) {
            return null;
        }
        return card.registry;
    }

    private static Frame ask(int service, Frame.Out arguments) {
        Frame f = Call.now().service(service, arguments);
        int reason = f.u16();
        if (reason != 0) {
            throw new ToolkitException((short) reason);
        }
        return f;
    }

    /** Events that another method asks for are not allowed, and only what the card fires is supported. */
    private static void settable(short event) {
        switch (event) {
            case ToolkitConstants.EVENT_PROFILE_DOWNLOAD:
            case LOCATION_STATUS:
            case ToolkitConstants.EVENT_PROACTIVE_HANDLER_AVAILABLE:
            case ToolkitConstants.EVENT_APPLICATION_DESELECT:
            case ToolkitConstants.EVENT_FIRST_COMMAND_AFTER_ATR:
            case ToolkitConstants.EVENT_UNRECOGNIZED_ENVELOPE:
                return;
            case MENU_SELECTION:
            case MENU_SELECTION_HELP:
            case ToolkitConstants.EVENT_TIMER_EXPIRATION:
            case ToolkitConstants.EVENT_STATUS_COMMAND:
            case ToolkitConstants.EVENT_EXTERNAL_FILE_UPDATE:
            case LOCAL_CONNECTION:
                throw new ToolkitException(ToolkitException.EVENT_NOT_ALLOWED);
            default:
                throw new ToolkitException(ToolkitException.EVENT_NOT_SUPPORTED);
        }
    }

    @Override
    public void setEvent(short event) {
        settable(event);
        ask(Service.SET_EVENT, new Frame.Out().u16(event));
    }

    @Override
    public void setEventList(short[] eventList, short offset, short length) {
        for (int i = 0; i < length; i++) {
            settable(eventList[offset + i]);
        }
        for (int i = 0; i < length; i++) {
            setEvent(eventList[offset + i]);
        }
    }

    @Override
    public void clearEvent(short event) {
        settable(event);
        ask(Service.CLEAR_EVENT, new Frame.Out().u16(event));
    }

    @Override
    public boolean isEventSet(short event) {
        return ask(Service.IS_EVENT_SET, new Frame.Out().u16(event)).u8() != 0;
    }

    @Override
    public byte allocateTimer() {
        return (byte) ask(Service.ALLOCATE_TIMER, new Frame.Out()).u8();
    }

    @Override
    public void releaseTimer(byte timerIdentifier) {
        if (timerIdentifier < 1 || timerIdentifier > 8) {
            throw new ToolkitException(ToolkitException.INVALID_TIMER_ID);
        }
        ask(Service.RELEASE_TIMER, new Frame.Out().u8(timerIdentifier));
    }

    @Override
    public void requestPollInterval(short duration) {
        if (duration < ToolkitConstants.POLL_SYSTEM_DURATION || duration > 15300) {
            throw new ToolkitException(ToolkitException.REGISTRY_ERROR);
        }
        ask(Service.POLL, new Frame.Out().u16(duration == ToolkitConstants.POLL_SYSTEM_DURATION ? SYSTEM_POLL_SECONDS : duration));
    }

    /** The list is coded as the value of a file list: how many, then whole paths from 3F00 on. */
    @Override
    public void registerFileEvent(short event, byte[] fileList, short offset1, short length1, byte[] adfAid, short offset2, byte length2) {
        if (event != ToolkitConstants.EVENT_EXTERNAL_FILE_UPDATE) {
            throw new ToolkitException(ToolkitException.EVENT_NOT_SUPPORTED);
        }
        Frame.Out out = new Frame.Out();
        if (adfAid == null) {
            out.bytes(null);
        } else {
            Heap.bounds(adfAid, offset2, length2);
            out.bytes(adfAid, offset2, length2);
        }
        Heap.bounds(fileList, offset1, length1);
        ask(Service.FILE_EVENT, out.bytes(fileList, offset1, length1));
    }

    private static Fatal absent(String what) {
        return new Fatal("ToolkitRegistry." + what + ": not on this card");
    }

    @Override
    public void registerFileEvent(short event, FileView aFileView) {
        throw absent("registerFileEvent of a view");
    }

    @Override
    public void deregisterFileEvent(short event, FileView aFileView) {
        throw absent("deregisterFileEvent");
    }

    @Override
    public void deregisterFileEvent(short event, byte[] fileList, short offset1, short length1, byte[] adfAid, short offset2, byte length2) {
        throw absent("deregisterFileEvent");
    }

    @Override
    public short getPollInterval() {
        throw absent("getPollInterval");
    }

    @Override
    public void disableMenuEntry(byte id) {
        throw absent("disableMenuEntry");
    }

    @Override
    public void enableMenuEntry(byte id) {
        throw absent("enableMenuEntry");
    }

    @Override
    public byte initMenuEntry(byte[] menuEntry, short offset, short length, byte nextAction, boolean helpSupported, byte iconQualifier,
            short iconIdentifier) {
        throw absent("initMenuEntry");
    }

    @Override
    public void changeMenuEntry(byte id, byte[] menuEntry, short offset, short length, byte nextAction, boolean helpSupported,
            byte iconQualifier, short iconIdentifier) {
        throw absent("changeMenuEntry");
    }

    @Override
    public byte allocateServiceIdentifier() {
        throw absent("allocateServiceIdentifier");
    }

    @Override
    public void releaseServiceIdentifier(byte serviceIdentifier) {
        throw absent("releaseServiceIdentifier");
    }

    @Override
    public void setMenuEntryTextAttribute(byte id, byte[] textAttribute, short offset, short length) {
        throw absent("setMenuEntryTextAttribute");
    }
}
