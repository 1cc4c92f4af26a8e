/**
 * Calls back when a page comes back to the network or into view (`true`), and when it loses the network (`false`). Gives
 * a function that ends it. Outside of browsers nothing ever happens.
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

/** offline is true only where it is certain. */
export const offline = (): boolean => typeof navigator !== 'undefined' && navigator.onLine === false;
