// The text of charts in the colour of the page's text, in either theme: the admin redraws a chart
// when the theme changes, and Chart.js then asks again.
Chart.defaults.color = () => getComputedStyle(document.body).color;
