/**
 * Calls change when a page is online or visible again (`true`), and when it goes offline (`false`). Returns a function
 * that ends this. Outside of browsers change is never called.
 */
export function watchPage(change: (back: boolean) => void): () => void {
  if (typeof document === 'undefined') {
    return () => {};
  }
  const listener = ({ type }: Event) => {
    if (type !== 'visibilitychange' || document.visibilityState === 'visible') {
      change(type !== 'offline');
    }
  };
  const each = (f: 'addEventListener' | 'removeEventListener') => {
    globalThis[f]('online', listener);
    globalThis[f]('offline', listener);
    document[f]('visibilitychange', listener);
  };
  each('addEventListener');
  return () => each('removeEventListener');
}

/** isOffline reports whether the page is certainly offline. */
export const isOffline = (): boolean => typeof navigator !== 'undefined' && navigator.onLine === false;
