package com.sun.javacard.converter;

import java.io.File;
import java.io.FileOutputStream;
import java.io.FileWriter;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Stands where a kit's converter stands, and writes down what it was asked. */
public class Main {

    public static void main(String[] args) throws Exception {
        String classes = null;
        StringBuilder said = new StringBuilder();
        for (int i = 0; i < args.length; i++) {
            if (args[i].equals("-classdir")) {
                classes = args[i + 1];
            }
            said.append(args[i]).append('\n');
        }
        try (FileWriter w = new FileWriter(System.getProperty("jc.home") + "/asked")) {
            w.write(said.toString());
        }
        if (!new File(classes, "simbind/BindingApplet.class").exists()) {
            throw new IllegalStateException("no classes");
        }
        File folder = new File(classes, "simbind/javacard");
        folder.mkdirs();
        try (ZipOutputStream z = new ZipOutputStream(new FileOutputStream(new File(folder, "simbind.cap")))) {
            for (String c : System.getProperty("components", "Header Directory Import Applet Class Method StaticField ConstantPool RefLocation Descriptor").split(" ")) {
                z.putNextEntry(new ZipEntry("simbind/javacard/" + c + ".cap"));
                z.write(new byte[10]);
            }
        }
    }
}
