package refused;

interface Modern<T> { // refuse the class: generics; generics

    T get();

    default T twice() {
        return get(); // refuse: generics; a method of an interface has no body; LocalVariableTypeTable
    }
}
