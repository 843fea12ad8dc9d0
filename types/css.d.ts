/** A style sheet, which Vite puts into the page. */
declare module '*.css';
