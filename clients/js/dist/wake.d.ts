/**
 * Calls back when a page comes back to the network or into view (`true`), and when it loses the network (`false`). Gives
 * a function that ends it. Outside of browsers nothing ever happens.
 */
export declare function watchPage(change: (back: boolean) => void): () => void;
/** offline is true only where it is certain. */
export declare const offline: () => boolean;
