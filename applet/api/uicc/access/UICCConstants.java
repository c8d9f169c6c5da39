package uicc.access;

/** File identifiers and record modes (TS 102 221 clauses 8.4 and 11.1). */
public interface UICCConstants {

    short FID_MF = (short) 0x3F00;
    short FID_ADF = (short) 0x7FFF;

    byte REC_ACC_MODE_NEXT = 0x02;
    byte REC_ACC_MODE_PREVIOUS = 0x03;
    byte REC_ACC_MODE_ABSOLUTE_CURRENT = 0x04;
}
