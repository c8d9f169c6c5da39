package refused;

public class Heir extends Hidden {
}

abstract class Hidden {
    public short seen() {
        return 0;
    }

    void unseen() {
    }
}
// refuse the class: public or protected seen of a package-visible class that a public class extends
// and more
