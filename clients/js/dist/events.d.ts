export type Listener<E> = (event: E) => void;
/** Emitter calls listeners with events, in the order of the events. */
export declare class Emitter<M> {
    #private;
    /** Calls the listener for each event of the type. Returns a function that removes it. */
    on<K extends keyof M>(type: K, listener: Listener<M[K]>): () => void;
    /** Calls the listener for the next event of the type. Returns a function that removes it. */
    once<K extends keyof M>(type: K, listener: Listener<M[K]>): () => void;
    off<K extends keyof M>(type: K, listener: Listener<M[K]>): void;
    /** A listener that throws affects neither the others nor the client: its error is reported as uncaught. */
    protected emit<K extends keyof M>(type: K, event: M[K]): void;
}
