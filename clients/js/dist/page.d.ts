/**
 * Calls change when a page is online or visible again (`true`), and when it goes offline (`false`). Returns a function
 * that ends this. Outside of browsers change is never called.
 */
export declare function watchPage(change: (back: boolean) => void): () => void;
/** isOffline reports whether the page is certainly offline. */
export declare const isOffline: () => boolean;
