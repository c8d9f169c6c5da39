package lengths;

class Above {
    byte one() { // card 5: aload_0 1, invokevirtual 3, sreturn 1
        return two();
    }

    byte two() { // card 2: sconst_2 1, sreturn 1
        return 2;
    }
}
