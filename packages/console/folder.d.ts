/** Folder of the built console: `index.html` and `assets/`. */
export declare const consoleFolder: string;
