// The entry point for <script>: new azuhost.Client(url).
import { AzuhostError, Client } from './index.js';

(globalThis as { azuhost?: object }).azuhost = { AzuhostError, Client };
